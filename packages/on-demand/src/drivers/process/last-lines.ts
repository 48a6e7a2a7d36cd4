const MAX_CHARACTERS = 4_096;

/** The end of what a process says, for the message about its end. */
export class LastLines {
  private text = '';

  add(part: string): void {
    this.text = (this.text + part).slice(-MAX_CHARACTERS);
  }

  /** The last line that says something. */
  get last(): string {
    return this.text.trimEnd().split(/\r|\n/).at(-1)?.trim() ?? '';
  }

  get all(): string {
    return this.text;
  }
}
