import { fetchPackageSet } from '@plumbline/variants';

/* Fetches the Debian packages under test into build/, for tests that compare with them. */
for (const set of ['memcached', 'kernel'] as const) {
  const { packages, notices } = await fetchPackageSet(set);
  for (const notice of notices) console.log(notice);
  console.log(`${set}: ${packages.map(({ name, version }) => `${name} ${version}`).join(', ')}`);
}
