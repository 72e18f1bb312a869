/**
 * What is compiled together. Packages that extend the types of a framework (`app.ws`) would meet in one program, so each has its own;
 * a block belongs to the first whose package it imports, and has the names of its file in `ambient/`.
 */
export const groups = {
  "express-ws": { packages: ["express-ws"], ambient: "express" },
  "websocket-express": { packages: ["websocket-express"] },
  "fastify-websocket": { packages: ["@fastify/websocket"], ambient: "fastify" },
  "koa-websocket": { packages: ["koa-websocket"] },
  // Its types say `export default`, its CommonJS does not: only bundlers take the one for the other.
  "koa-easy-ws": {
    packages: ["koa-easy-ws"],
    compilerOptions: { module: "esnext", moduleResolution: "bundler" },
  },
  "socket.io": { packages: ["socket.io", "socket.io-client"] },
  crossws: { packages: ["crossws", "crossws/adapters/node"] },
  // A page, which may stand below its server.
  client: {
    packages: ["@spry-ws/client"],
    ambient: "express",
    compilerOptions: { lib: ["es2023", "dom", "dom.asynciterable"] },
  },
  express: { packages: ["@spry-ws/express", "express"], ambient: "express" },
  fastify: { packages: ["@spry-ws/fastify", "fastify"], ambient: "fastify" },
  koa: { packages: ["@spry-ws/koa", "koa", "@koa/router"], ambient: "koa" },
  http: { packages: ["@spry-ws/core"], ambient: "http" },
  browser: { packages: [] },
};

/**
 * @param {string} language `ts` runs in Node, `js` in a browser
 * @param {string} code
 * @returns {keyof typeof groups}
 */
export function groupOf(language, code) {
  if (language === "js") return "browser";
  const imported = [...code.matchAll(/\bfrom "([^"]+)"|\bimport "([^"]+)"/g)].map(([, a, b]) => a ?? b);
  const found = Object.entries(groups).find(([, { packages }]) =>
    packages.some((name) => imported.includes(name)),
  );
  return /** @type {keyof typeof groups} */ (found?.[0] ?? "express");
}
