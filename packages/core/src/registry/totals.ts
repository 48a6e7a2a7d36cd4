/** What `stats()` counts since the tracker was made. */
export class Totals {
  opened = 0;
  closed = 0;
  idleClosed = 0;
  kicked = 0;
  denied = 0;
  overload = 0;
  bytes = 0;
}
