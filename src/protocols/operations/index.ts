export { createOperationsHandler, type OperationsOptions } from './operations-handler.ts';
