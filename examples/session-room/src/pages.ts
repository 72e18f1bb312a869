import { readFileSync } from "node:fs";

export const headers = {
  // 'self' includes ws: of the same host and port (CSP Level 3).
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'self'; " +
    "base-uri 'none'; frame-ancestors 'none'",
  // Not no-referrer: with it browsers send "Origin: null" with forms, which the login has to refuse.
  "Referrer-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  // A page behind a login must not come back from the cache after the logout.
  "Cache-Control": "no-store",
};

export const script = readFileSync(new URL("../public/room.js", import.meta.url), "utf8");

export function loginPage(problem = ""): string {
  return page(`
    <h1>Log in</h1>
    <p role="alert">${escapeHtml(problem)}</p>
    <form method="post" action="/login">
      <p><label>Name <input name="name" autocomplete="username" required></label></p>
      <p><label>Password
        <input name="password" type="password" autocomplete="current-password" required></label></p>
      <button type="submit">Log in</button>
    </form>`);
}

export function roomPage(user: string): string {
  return page(`
    <h1>Room</h1>
    <form method="post" action="/logout">
      <p>You are ${escapeHtml(user)}. <button type="submit">Log out</button></p>
    </form>
    <ul id="log" role="log"></ul>
    <form id="say">
      <label>Say <input id="text" autocomplete="off"></label> <button id="send" type="submit" disabled>Send</button>
    </form>
    <p id="state" role="status"></p>
    <script type="module" src="/room.js"></script>`);
}

function page(body: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Room</title>
  </head>
  <body>${body}
  </body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
