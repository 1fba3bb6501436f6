"use strict";
// Everything that comes from students is set as text, never as markup.
const EVERY = 1000;
const MARKS = { "right": ["right", "\u2713"], "wrong": ["wrong", "\u2717"], "not run": ["run", "?"] };
const byId = (id) => document.getElementById(id);

function element(kind, text, name) {
  const made = document.createElement(kind);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function row(student, count) {
  const line = element("tr", undefined, student.here ? "here" : "");
  const name = element("th");
  name.scope = "row";
  const dot = element("span", undefined, "dot");
  dot.title = student.here ? "here" : "not here";
  name.append(dot, element("span", student.name), element("span", student.key ? student.key.slice(0, 17) + "\u2026" : "no key yet", "key"));
  if (student.other_key) name.append(element("span", "another key is here", "alarm"));
  line.append(name);
  let right = 0;
  for (let number = 1; number <= count; number++) {
    const cell = element("td");
    const mark = MARKS[student.marks[number]];
    if (mark) {
      const shown = element("span", mark[1], "mark " + mark[0]);
      shown.title = student.marks[number];
      cell.append(shown);
      if (mark[0] === "right") right++;
    }
    if (student.hints[number]) cell.append(element("span", "+" + student.hints[number], "hints"));
    line.append(cell);
  }
  line.append(element("td", String(right)));
  return line;
}

function show(state) {
  const count = state.exercises.length;
  const head = [element("th", "student")];
  for (let number = 1; number <= count; number++) head.push(element("th", String(number)));
  head.push(element("th", "right"));
  for (const cell of head) cell.scope = "col";
  byId("head").replaceChildren(...head);
  byId("table").className = state.students.length > 20 ? "crowd" : state.students.length > 10 ? "many" : "";
  byId("students").replaceChildren(...state.students.map((student) => row(student, count)));
  byId("exercises").replaceChildren(...state.exercises.map((title) => element("li", title)));
  const here = state.students.filter((student) => student.here).length;
  byId("summary").textContent = here + " of " + state.students.length + " here";
}

async function refresh() {
  try {
    const answer = await fetch("/state.json");
    if (!answer.ok) throw new Error(answer.statusText);
    show(await answer.json());
  } catch (error) {
    byId("summary").textContent = "The class does not answer. It may be over.";
  }
  setTimeout(refresh, EVERY);
}

refresh();
