// The bug zoo: bugs that somebody could write, each a small change of the real sources. The simulation must find every
// one of them within the stated number of seeds; what it could not find it would not protect us from.
import type { Bug } from './bug.ts';
import { CHASSIS_BUGS } from './chassis-bugs.ts';
import { SERVICE_BUGS } from './service-bugs.ts';

export const BUGS: readonly Bug[] = [...CHASSIS_BUGS, ...SERVICE_BUGS];
