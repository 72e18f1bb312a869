import { defineConfig } from "vite";

export default defineConfig({
  root: `${import.meta.dirname}/client`,
  build: { outDir: `${import.meta.dirname}/dist/client`, emptyOutDir: true },
});
