/* What wrote the page, and whose work is in it. */

import type {JSX} from "preact";

export function Foot({text}: {text: string}): JSX.Element {
  const licences = document.getElementById("licences") as HTMLTemplateElement;
  return (
    <footer class="quiet small">
      <p><bdi>{text}</bdi></p>
      <details><summary>Licences of what this page is built with</summary><pre tabIndex={0}>{licences.content.textContent}</pre></details>
    </footer>
  );
}
