import { createPages } from "@spry-ws/example-page";

/** The whole website: what is in `public`, and the page's own modules. */
export const pages = createPages({
  "/": new URL("../public/", import.meta.url),
  "/page/": new URL("page/", import.meta.url),
});
