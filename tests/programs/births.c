/* Threads and processes that are made at the same time, by many, in every way: whose is what? */
#include "tell.h"
#include <linux/sched.h>

static pthread_mutex_t speaking = PTHREAD_MUTEX_INITIALIZER;

static void mine(const char *name, pid_t process, pid_t thread)
{
	pthread_mutex_lock(&speaking);
	printf("{\"how\":\"create\",\"path\":\"");
	print_path(name);
	printf("\",\"count\":1,\"pid\":%d,\"thread\":%d}\n", process, thread);
	pthread_mutex_unlock(&speaking);
}

static void born(pid_t child, pid_t parent, const char *kind)
{
	pthread_mutex_lock(&speaking);
	printf("{\"born\":%d,\"of\":%d,\"kind\":\"%s\"}\n", child, parent, kind);
	pthread_mutex_unlock(&speaking);
}

/* What a child does: one file of its own, by a name that its maker knows. */
static void be(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
	_exit(fd < 0);
}

static pid_t clone_3(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	return syscall(SYS_clone3, &args, sizeof args);
}

static void *maker(void *number)
{
	char name[100];
	pid_t me = syscall(SYS_gettid), child;
	for (int round = 0; round < 12; round++) {
		snprintf(name, sizeof name, "%ld-%d", (long)number, round);
		switch (round % 4) {
		case 0:
			child = fork();
			if (child == 0) be(name);
			break;
		case 1:
			child = vfork();
			if (child == 0) be(name);
			break;
		case 2:
			child = clone_3();
			if (child == 0) be(name);
			break;
		default:
			child = syscall(SYS_clone, SIGCHLD | CLONE_PARENT_SETTID, NULL, NULL, NULL, NULL);
			if (child == 0) be(name);
		}
		must(child, "birth");
		int status;
		waitpid(child, &status, 0);
		must(status == 0 ? 0 : -1, name);
		mine(name, child, child);
		born(child, me, "process");
	}
	snprintf(name, sizeof name, "%ld-own", (long)number);
	close(must(open(name, O_WRONLY | O_CREAT | O_EXCL, 0644), name));
	mine(name, getpid(), me);
	born(me, getpid(), "thread");
	return NULL;
}

int main(void)
{
	pthread_t makers[8];
	for (long k = 0; k < 8; k++) pthread_create(&makers[k], NULL, maker, (void *)k);
	for (long k = 0; k < 8; k++) pthread_join(makers[k], NULL);
	return 0;
}
