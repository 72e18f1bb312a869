import { createPages, type Page } from "@spry-ws/example-page";

/** The whole website: what is in `public`. */
export const pages: ReadonlyMap<string, Page> = createPages(
  { "/": new URL("../public/", import.meta.url) },
  { name: "koa" },
);
