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

/** The same for what a server says in JSON, whatever is in it. */
function cleaned(said, depth = 16) {
  if (typeof said === "string") return clean(said);
  if (said === null || typeof said !== "object") return said;
  if (!depth) return null;
  if (Array.isArray(said)) return said.map((each) => cleaned(each, depth - 1));
  return Object.fromEntries(Object.entries(said).map(([name, each]) => [clean(name), cleaned(each, depth - 1)]));
}
