// quiche's congestion controllers, by the names that it knows. Apart from the settings because options name them too, and
// a command that only prints its help must not load quiche.

export const CONGESTION_CONTROLLERS = ["bbr", "cubic", "reno"] as const;
export type CongestionController = (typeof CONGESTION_CONTROLLERS)[number];

/**
 * BBR's window follows what arrives, not what is lost. Most of what travels inside has congestion control of its own;
 * with CUBIC outside, which halves for every loss, a path of 40 ms and 1 % loss carried less than a fiftieth of it.
 */
export const DEFAULT_CONGESTION: CongestionController = "bbr";
