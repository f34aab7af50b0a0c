// What industries tell the desk.

@json
export class Alert {
  month: string = "";
  /** Its place in the list of industries. */
  industry: u32 = 0;
  score: f64 = 0;
}
