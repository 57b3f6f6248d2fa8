export { EnvironmentError, messageOf, UsageError, UserError as BenchError } from '@plumbline/variants';
