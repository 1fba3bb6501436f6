// Follows a conversation that goes on: asks the page's server for what is new, twice a second, and stays at the last frame.
const PAUSE = 500; // ms

const take = news => {
  const follows = state.at >= frames.length - 1;
  strings.push(...news.strings);
  talks.splice(0, talks.length, ...news.talks);
  frames.push(...news.frames);
  drawRows();
  if (follows) step(frames.length);
  else mark();
  find("place").textContent = `${(state.at + 1).toLocaleString("en")} of ${frames.length.toLocaleString("en")}`;
};

const ask = async () => {
  try {
    const answer = await fetch(`frames/${frames.length}/${strings.length}`, { cache: "no-store" });
    const news = answer.ok && await answer.json();
    if (!news || (news.frames.length && !frames.length)) location.reload(); // another run of the server, or the first conversation
    else if (news.frames.length) take(news);
    find("message").textContent = news.full || "";
  } catch {
    find("message").textContent = "The server does not answer.";
  }
  setTimeout(ask, PAUSE);
};

if (!frames.length) find("detail").replaceChildren(make("p", "verdict", "Nobody has connected yet."));
else if (!location.hash) step(frames.length);
ask();
