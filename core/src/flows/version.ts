/** The version of Cellar that a run names; kept equal to package.json by a test. */
export const version = '0.1.0';
