const MAX_CHARACTERS = 4_096;

/** The last output of a process, for the message about its end. */
export class LastLines {
  private text = '';

  add(part: string): void {
    this.text = (this.text + part).slice(-MAX_CHARACTERS);
  }

  /** The last line that is not blank. */
  get last(): string {
    return this.text.trimEnd().split(/\r|\n/).at(-1)?.trim() ?? '';
  }

  get all(): string {
    return this.text;
  }
}
