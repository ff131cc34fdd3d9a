import manifest from '../../package.json' with { type: 'json' };

/** The version of this Zerohop. */
export const version: string = manifest.version;
