export { makeProvenance } from './provenance.ts';
export { CorruptDatasetError, listDatasets, parseDataset, type ReadResult, readDataset } from './reader.ts';
export * from './schema.ts';
export { DatasetWriteError, DatasetWriter } from './writer.ts';
