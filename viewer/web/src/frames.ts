/* Frames of the document: what each is called, and where it is. */

import {FrameKind, type FrameTable} from "./document";

export interface SourceFile {
  path: string;
  brief: string; // without what all of the user's files, or all packages, have in common
  packageName: string; // "": the user's
  text: Map<number, string>;
}

/** The longest folder, "/" at its end, that all of them are in; "" when there is none. */
function commonFolder(paths: string[]): string {
  const [first, ...others] = paths.map((path) => path.slice(0, path.lastIndexOf("/") + 1));
  let common = first ?? "";
  for (const folder of others) while (!folder.startsWith(common)) common = common.slice(0, common.slice(0, -1).lastIndexOf("/") + 1);
  return common;
}

function belowPackages(path: string): string {
  const match = /^.*\/(?:(?:site|dist)-packages|lib(?:64)?\/python[0-9][^/]*)\/(.+)$/.exec(path);
  return match ? match[1] : /\.so[.0-9]*$/.test(path) ? path.slice(path.lastIndexOf("/") + 1) : path;
}

export class Frames {
  readonly count: number;
  readonly files = new Map<number, SourceFile>(); // by the string of the path
  private readonly names: string[] = [];

  constructor(private readonly data: FrameTable) {
    this.count = data.frames.kind.length;
    const own = data.files.filter(([, packageName]) => !packageName).map(([name]) => data.strings[name]);
    const folder = commonFolder(own.filter((path) => path.includes("/")));
    for (const [name, packageName, lines, texts] of data.files) {
      const path = data.strings[name];
      const brief = packageName ? belowPackages(path) : path.startsWith(folder) ? path.slice(folder.length) : path;
      this.files.set(name, {path, brief, packageName, text: new Map(lines.map((line, i) => [line, data.strings[texts[i]]]))});
    }
  }

  kind(frame: number): FrameKind {
    return this.data.frames.kind[frame];
  }

  /** "load()", "<module>", 'thread "worker"'. */
  name(frame: number): string {
    return (this.names[frame] ??= this.makeName(frame));
  }

  private makeName(frame: number): string {
    const name = this.data.strings[this.data.frames.function[frame]];
    if (this.kind(frame) === FrameKind.noStack) return "no stack known";
    if (this.kind(frame) === FrameKind.thread) return `thread ${name}`;
    return name.startsWith("<") || name.endsWith(")") ? name : `${name}()`;
  }

  file(frame: number): SourceFile | undefined {
    return this.files.get(this.data.frames.file[frame]);
  }

  /** A number that two frames share if they are of the same file. */
  fileNumber(frame: number): number {
    return this.data.frames.file[frame];
  }

  functionNumber(frame: number): number {
    return this.data.frames.function[frame];
  }

  line(frame: number): number {
    return this.data.frames.line[frame];
  }

  /** "app.py:12", or "" where there is no code. */
  place(frame: number): string {
    const file = this.file(frame), line = this.line(frame);
    return file ? file.brief + (line ? `:${line}` : "") : "";
  }

  source(frame: number): string {
    return this.file(frame)?.text.get(this.line(frame))?.trim() ?? "";
  }

  isUsers(frame: number): boolean {
    return this.kind(frame) === FrameKind.user;
  }

  /** The frame that stands for a stack: the innermost of the user's, or the innermost. -1: none. */
  lead(stack: number[]): number {
    for (let i = stack.length - 1; i >= 0; i--) if (this.isUsers(stack[i])) return stack[i];
    return stack.length ? stack[stack.length - 1] : -1;
  }
}
