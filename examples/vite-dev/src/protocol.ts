/** What every page gets, as JSON, whenever it changes. The page sends the text `click`. */
export interface State {
  readonly clicks: number;
  readonly people: number;
}
