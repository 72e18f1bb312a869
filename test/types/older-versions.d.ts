// The older versions under test have, as far as the suite uses it, the API of the newer ones' types.
declare module "express4" {
  export { default } from "express";
}

declare module "koa2" {
  export { default } from "koa";
}
