export { CommandError, type CommandOptions, dyingWithUs, runCommand } from '@plumbline/variants';
