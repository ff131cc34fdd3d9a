export { bigIntKey, columnExpression, elementExpression, encodeValue, type SqlValue } from './encode.ts';
export { isList, namesOf, physicalTableName, quoted, systemColumns, type TableNames } from './names.ts';
