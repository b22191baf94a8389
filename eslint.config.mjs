import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["backflush/web/static/vendor/", "backflush/web/served/", ".venv*/", "build/"] },
  js.configs.recommended,
  {
    rules: {
      complexity: ["error", 12],
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "no-shadow": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  {
    files: ["backflush/web/static/app/*.js"],
    languageOptions: { globals: { ...globals.browser, htmx: "readonly" } },
  },
  {
    files: ["backflush/web/static/app/theme.js"],
    languageOptions: { sourceType: "script" },
  },
  {
    files: ["tools/*.mjs"],
    languageOptions: { globals: globals.node },
  },
];
