export * from './secure-channel.ts';
