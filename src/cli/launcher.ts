// The launcher (bin/run.js) passes signals on; killed outright it can't. Then this process ends too, in order, so that no node is left behind that
// holds its ports and its data folder.

/** Set by the launcher: its process id. */
export const launcherVariable = 'ZEROHOP_LAUNCHER';

const checkMs = 250;

/**
 * Ends this process as SIGTERM does once the launcher is gone. Takes the variable away, so that no child of ours believes it.
 * False: there is no launcher.
 */
export function followLauncher(): boolean {
  const launcher = Number(process.env[launcherVariable]);
  delete process.env[launcherVariable];
  if (!launcher) return false;
  const timer = setInterval(() => {
    if (process.ppid === launcher) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, checkMs);
  timer.unref();
  return true;
}
