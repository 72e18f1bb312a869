import { createPages, head, type Page, pageHeaders } from "@spry-ws/example-page";

const { "Content-Security-Policy": policy = "", ...others } = pageHeaders();

export const headers = {
  ...others,
  // The login and the logout are forms.
  "Content-Security-Policy": policy.replace("form-action 'none'", "form-action 'self'"),
  // Not no-referrer: with it browsers send "Origin: null" with forms, which the login has to refuse.
  "Referrer-Policy": "same-origin",
  // A page behind a login must not come back from the cache after the logout.
  "Cache-Control": "no-store",
};

/** The script of the page, and what the pages of all examples share. */
export const files: ReadonlyMap<string, Page> = createPages(
  { "/": new URL("../public/", import.meta.url) },
  { name: "express" },
);

export function loginPage(problem = ""): string {
  return page(
    "Log in",
    "",
    `<p class="problem" role="alert">${escapeHtml(problem)}</p>
      <form method="post" action="/login">
        <label>Name <input name="name" autocomplete="username" required></label>
        <label>Password
          <input name="password" type="password" autocomplete="current-password" required></label>
        <button type="submit" class="strong">Log in</button>
      </form>`,
  );
}

export function roomPage(user: string): string {
  return page(
    "Room",
    `<form method="post" action="/logout">
        <p>You are ${escapeHtml(user)}.</p> <button type="submit" class="plain">Log out</button>
      </form>`,
    `<div class="lines" role="log" aria-label="What is said"><ul id="log"></ul></div>
      <p id="note" class="problem" role="alert"></p>
      <form id="say">
        <label>Say <input id="text" autocomplete="off"></label>
        <button id="send" type="submit" class="strong" disabled>Send</button>
      </form>`,
    `<section class="aside" aria-label="Connection">
      <h2>Connection</h2>
      <dl id="panel"></dl>
    </section>
    <script type="module" src="/room.js"></script>`,
  );
}

function page(title: string, beside: string, main: string, rest = ""): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${title}</title>
    ${head}
    <link rel="stylesheet" href="/shared/page.css">
  </head>
  <body>
    <header>
      <h1>${title}</h1>
      ${beside}
    </header>
    <main>
      ${main}
    </main>
    ${rest}
  </body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
