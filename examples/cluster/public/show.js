const byId = (id) => document.getElementById(id);

/** A line of the log, at its end or in front of something. */
export function showLine({ name, framework, text }, isMine, before) {
  const item = document.createElement("li");
  const [who, through] = ["b", "small"].map((tag) => document.createElement(tag));
  who.textContent = isMine ? `${name} (you)` : name;
  through.textContent = ` through ${framework}`;
  // Text and never markup, whatever it looks like.
  item.append(who, `: ${text}`, through);
  item.classList.toggle("mine", isMine);
  item.dataset.text = text;
  insert(item, before);
}

/** Something that happened. */
export function showNotice(text) {
  const item = document.createElement("li");
  item.className = "notice";
  item.textContent = text;
  insert(item, null);
  return item;
}

function insert(item, before) {
  const log = byId("log");
  const wasNear = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  byId("lines").insertBefore(item, before);
  if (wasNear) log.scrollTop = log.scrollHeight;
}

/** Who is here. */
export function showPeople(members, myKey) {
  const rows = [...members]
    .map(([key, { name, framework }]) => ({ name: key === myKey ? `${name} (you)` : name, framework }))
    .sort((a, b) => a.name.localeCompare(b.name))
    .map(({ name, framework }) => {
      const [row, through] = ["li", "small"].map((tag) => document.createElement(tag));
      through.textContent = ` through ${framework}`;
      row.append(name, through);
      return row;
    });
  byId("people").replaceChildren(...rows);
}

/** The processes, and a button for each that kills it. */
export function showProcesses({ framework: answering, processes }, kill) {
  const list = byId("processes");
  for (const { framework, port, pid } of processes) {
    const row =
      list.querySelector(`[data-framework="${framework}"]`) ?? createRow(list, framework, port, kill);
    row.querySelector("small").textContent = pid
      ? `process ${pid}${framework === answering ? ", answers you" : ""}`
      : "is being started again";
    row.querySelector("button").disabled = !pid;
  }
}

function createRow(list, framework, port, kill) {
  const row = document.createElement("li");
  row.dataset.framework = framework;
  const [what, name, state, button] = ["span", "a", "small", "button"].map((tag) =>
    document.createElement(tag),
  );
  name.textContent = framework;
  const url = new URL("/", location.href);
  url.port = port;
  name.href = url;
  name.target = "_blank";
  what.append(name, state);
  button.type = "button";
  button.className = "plain";
  button.textContent = "Kill";
  button.ariaLabel = `Kill ${framework}`;
  button.addEventListener("click", () => kill(framework));
  row.append(what, button);
  list.append(row);
  return row;
}
