import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type DefaultTheme, defineConfig } from "vitepress";

const docs = fileURLToPath(new URL("..", import.meta.url));

const pages = (folder: string, titles: Record<string, string>): DefaultTheme.SidebarItem[] =>
  Object.entries(titles).map(([name, text]) => ({ text, link: `/${folder}/${name}` }));

/** The pages that typedoc has written, package by package. */
function apiPages(): DefaultTheme.SidebarItem[] {
  const scope = `${docs}reference/api/@spry-ws`;
  const list = (path: string) => (existsSync(path) ? readdirSync(path, { withFileTypes: true }) : []);
  return list(scope).map(({ name: pack }) => ({
    text: `@spry-ws/${pack}`,
    link: `/reference/api/@spry-ws/${pack}/`,
    collapsed: true,
    items: list(`${scope}/${pack}`)
      .filter((kind) => kind.isDirectory())
      .flatMap((kind) =>
        list(`${scope}/${pack}/${kind.name}`).map(({ name: file }) => {
          const name = file.replace(/\.md$/, "");
          return { text: name, link: `/reference/api/@spry-ws/${pack}/${kind.name}/${name}` };
        }),
      )
      .sort((a, b) => a.text.localeCompare(b.text)),
  }));
}

const start = pages("start", { express: "Express", fastify: "Fastify", koa: "Koa", http: "node:http" });

const guide = pages("guide", {
  layers: "Which layer do I need?",
  hooks: "Hooks",
  event: "Event and composables",
  peer: "Peer",
  message: "Message",
  websocket: "Code written for ws",
  authentication: "Authentication",
  "logging-out": "Log out everywhere",
  origin: "Origin",
  pubsub: "Pub/sub and rooms",
  scaling: "Several processes",
  service: "Contract and service",
  "durable-topics": "Durable topics",
  "durable-topics-redis": "Durable topics: Redis",
  "durable-topics-nats": "Durable topics: JetStream",
  presence: "Presence",
  client: "Client",
  backpressure: "Backpressure",
  shutdown: "Shutdown",
  neighbours: "Beside other libraries",
  testing: "Testing",
  deployment: "Behind a proxy",
  observability: "Observability",
  troubleshooting: "Troubleshooting",
  faq: "Questions",
});

const migrate = pages("migrate", {
  "express-ws": "express-ws",
  "websocket-express": "websocket-express",
  "fastify-websocket": "@fastify/websocket",
  "koa-websocket": "koa-websocket",
  "koa-easy-ws": "koa-easy-ws",
  crossws: "crossws",
  "socket-io": "Socket.IO",
});

const reference: DefaultTheme.SidebarItem[] = [
  ...pages("reference", {
    options: "Options",
    errors: "Errors",
    protocol: "Protocol",
    compatibility: "Compatibility",
    performance: "Performance",
    sizes: "Sizes",
  }),
  { text: "Security", link: "/security" },
];

export default defineConfig({
  title: "spry-ws",
  description: "WebSocket routes for the Express, Fastify or Koa app you already have",
  lang: "en",
  base: process.env["DOCS_BASE"] ?? "/",
  cleanUrls: true,
  srcExclude: [".cache/**"],
  themeConfig: {
    search: {
      provider: "local",
      options: {
        miniSearch: {
          // Who searches wants to be told how, and only then which members there are.
          searchOptions: { boostDocument: (page: string) => (page.includes("/reference/api/") ? 0.2 : 1) },
        },
      },
    },
    outline: [2, 3],
    nav: [
      { text: "Start", items: start as DefaultTheme.NavItemWithLink[], activeMatch: "^/start/" },
      { text: "Guide", link: "/guide/hooks", activeMatch: "^/guide/" },
      { text: "Migrate", items: migrate as DefaultTheme.NavItemWithLink[], activeMatch: "^/migrate/" },
      { text: "Reference", link: "/reference/options", activeMatch: "^/(?:reference|security)" },
    ],
    sidebar: [
      { text: "Start", items: start },
      { text: "Guide", items: guide },
      { text: "Migrate from", items: migrate, collapsed: true },
      { text: "Reference", items: reference },
      { text: "API", link: "/reference/api/", items: apiPages() },
    ],
  },
});
