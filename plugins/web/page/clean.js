// The sanitiser: everything that another side says passes here before it is shown. Characters that control, hide or reorder are
// made visible, and piles of more than four combining marks are cut.

const MOST_MARKS = 4;

const clean = (text) =>
  String(text)
    .replace(/[\p{Mn}\p{Me}\u200c\u200d]{5,}/gu, cutMarks)
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, visible);

function cutMarks(pile) {
  let marks = 0;
  return [...pile].filter((one) => isJoiner(one) || ++marks <= MOST_MARKS).join("");
}

const isJoiner = (character) => character === "\u200c" || character === "\u200d";

function visible(character) {
  const code = character.codePointAt(0);
  if (character === "\t") return " ";
  if (isJoiner(character)) return character;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code < 0xa0 ? `\\x${code.toString(16)}` : `\\u{${code.toString(16)}}`;
}

/** An object in JSON, as it is or with its texts cleaned; an empty one for anything else. */
function objectIn(text, cleans) {
  try {
    return { ...JSON.parse(text, (_, one) => (cleans && typeof one === "string" ? clean(one) : one)) };
  } catch {
    return {};
  }
}
