import type { Environment } from './cellar.ts';

/** How an engine is asked for `TASKS` tasks, in a cell of its own. What its ids end with is what it gives back itself. */
export interface EngineCell {
	readonly name: string;
	/** The engine by which its tasks are known. */
	readonly engine: string;
	readonly source: string;
	/** Its tasks run in the manager. */
	readonly inManager?: boolean;
	readonly tasks?: number;
}

/** Some engines that are asked in one notebook. */
export interface EngineKind {
	readonly environment: Environment;
	readonly cells: readonly EngineCell[];
	/** @param hows the start methods of the pools that the cells ask for */
	readonly first: (hows: readonly string[]) => string;
	readonly last: string;
}

/** Parsl's: a pool of worker processes on this machine, that its LocalProvider starts. */
export const parsl: EngineKind = {
	environment: 'engines-parsl',
	cells: [
		{
			name: 'parsl_app',
			engine: 'parsl',
			source: `
futures = [task('parsl_app', n) for n in range(TASKS)]
work.keep('parsl_app', (future.result() for future in futures), (future.tid for future in futures))`,
		},
		// One fails the first time and is tried again, and one is a command line; one depends on another of an earlier cell.
		{
			name: 'parsl_others',
			engine: 'parsl',
			tasks: 0,
			source: `
@parsl.python_app
def fails_once(n):
    import work
    return work.fails_once(n)
@parsl.bash_app
def shell(here, earlier):
    return f'cat {here}/work.py > {here}/copy.txt'
assert fails_once(1).result() == 1 and shell(HERE, futures[0]).result() == 0
work.keep('parsl_others', [])`,
		},
	],
	first: () => `
import os, parsl
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider
HERE = os.getcwd()
provider = LocalProvider(init_blocks=1, max_blocks=1, worker_init=f'export PYTHONPATH={HERE}')
executor = HighThroughputExecutor(label='htex', max_workers_per_node=WORKERS, cores_per_worker=0.1, address='127.0.0.1', provider=provider)
flow = parsl.load(Config(executors=[executor], strategy='none', retries=1))
@parsl.python_app
def task(engine, n):
    import work
    return work.task(engine, n)`,
	last: 'flow.cleanup(); parsl.clear()',
};

/** ipyparallel's: a controller and engines on this machine. */
export const ipyparallel: EngineKind = {
	environment: 'engines-ipyparallel',
	cells: [
		{
			name: 'ipp_apply',
			engine: 'ipyparallel',
			source: `
results = [balanced.apply_async(work.task, 'ipp_apply', n) for n in range(TASKS)]
work.keep('ipp_apply', (result.get() for result in results), (result.msg_ids[0] for result in results))`,
		},
		{
			name: 'ipp_map',
			engine: 'ipyparallel',
			source: `
result = balanced.map_async(functools.partial(work.task, 'ipp_map'), range(TASKS))
work.keep('ipp_map', result.get())`,
		},
		// One that lost its dependency is tried elsewhere; code is a task on each engine, and so is what is broadcast.
		{
			name: 'ipp_others',
			engine: 'ipyparallel',
			tasks: 0,
			source: `
retrying = client.load_balanced_view()
retrying.retries = 1
assert retrying.apply_sync(work.fails_once, 1) == 1
client[:].execute("import work; work.read(work.__file__)", block=True)
assert len(client.broadcast_view().apply_sync(work.returns, 1)) == WORKERS
work.keep('ipp_others', [])`,
		},
	],
	first: () => `
import ipyparallel
cluster = ipyparallel.Cluster(n=WORKERS, log_level=40)
client = cluster.start_and_connect_sync()
balanced = client.load_balanced_view()`,
	last: 'client.close(); cluster.stop_cluster_sync()',
};

/** Ray's: a head node on this machine. */
export const ray: EngineKind = {
	environment: 'engines-ray',
	cells: [
		{
			name: 'ray_task',
			engine: 'ray',
			source: `
references = [remote.remote('ray_task', n) for n in range(TASKS)]
work.keep('ray_task', ray.get(references), (reference.task_id().hex() for reference in references))`,
		},
		{
			name: 'ray_actor',
			engine: 'ray',
			source: `
@ray.remote
class Actor:
    def method(self, n):
        import work
        return work.task('ray_actor', n)
actors = [Actor.remote() for _ in range(2)]
references = [actors[n % 2].method.remote(n) for n in range(TASKS)]
work.keep('ray_actor', ray.get(references), (reference.task_id().hex() for reference in references))`,
		},
		{
			name: 'ray_coroutine',
			engine: 'ray',
			source: `
@ray.remote
class Coroutines:
    async def method(self, n):
        import work
        return await work.coroutine('ray_coroutine', n)
actor = Coroutines.remote()
references = [actor.method.remote(n) for n in range(TASKS)]
work.keep('ray_coroutine', ray.get(references), (reference.task_id().hex() for reference in references))`,
		},
		{
			name: 'ray_others',
			engine: 'ray',
			tasks: 0,
			source: `
assert ray.get(ray.remote(max_retries=1, retry_exceptions=True)(work.fails_once).remote(1)) == 1
@ray.remote(num_returns='streaming')
def yields(names):
    import work
    for name in names: yield work.read(name)
assert len([ray.get(one) for one in yields.remote([work.__file__] * 3)]) == 3
work.keep('ray_others', [])`,
		},
	],
	first: () => `
import ray
ray.init(num_cpus=WORKERS, include_dashboard=False, logging_level='error', object_store_memory=100_000_000)
remote = ray.remote(work.task)`,
	last: 'ray.shutdown()',
};
