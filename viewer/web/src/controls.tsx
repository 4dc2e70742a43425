/* Small controls that several views use. */

import type {JSX} from "preact";

import type {Page} from "./model";
import {VIEWS} from "./view";

interface ChoiceProps<T extends string> {
  name: string;
  label: string;
  value: T;
  options: readonly T[];
  onChange(value: NoInfer<T>): void;
}

/** One of a few, all in sight. */
export function Choice<T extends string>({name, label, value, options, onChange}: ChoiceProps<T>): JSX.Element {
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      {options.map((option) => (
        <label>
          <input type="radio" name={name} value={option} checked={option === value} onChange={() => onChange(option)} />
          <span>{option}</span>
        </label>
      ))}
    </fieldset>
  );
}

export function Toggle({name, label, value, onChange}: {name: string; label: string; value: boolean; onChange(value: boolean): void}): JSX.Element {
  return (
    <label class="toggle">
      <input type="checkbox" id={name} checked={value} onChange={(event) => onChange(event.currentTarget.checked)} /> {label}
    </label>
  );
}

/** Which frames are shown, all over the page; nothing where there is no choice. */
export function ViewChoice({page, name}: {page: Page; name: string}): JSX.Element | null {
  return page.setView && <Choice name={name} label="Frames" value={page.view} options={VIEWS} onChange={page.setView} />;
}

/** How much of the whole something is, as a bar; what it says is said in words beside it. */
export function Bar({part, whole, className}: {part: number; whole: number; className?: string}): JSX.Element {
  return (
    <span class="track" aria-hidden="true">
      <span class={`bar ${className ?? ""}`} style={{width: `${whole ? Math.min(100, (100 * part) / whole) : 0}%`}} />
    </span>
  );
}
