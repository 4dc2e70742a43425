/* Style sheets, which esbuild takes as modules. */
declare module "*.css";
