/* Calls that never come back, or come back late. */
#include "tell.h"
#include <sys/time.h>

static void nothing(int number) {}

static volatile pid_t opener;

static void *blocked(void *path)
{
	opener = syscall(SYS_gettid);
	open(path, O_RDONLY);
	return NULL;
}

static void ended(pid_t pid, int code, const char *name)
{
	if (name)
		printf("{\"ended\":%d,\"code\":null,\"signal\":\"%s\"}\n", pid, name);
	else
		printf("{\"ended\":%d,\"code\":%d,\"signal\":null}\n", pid, code);
}

int main(void)
{
	must(mkfifo("fifo", 0644), "mkfifo");
	used("create", "fifo", 1);
	fflush(stdout);

	/* Killed within a call: what it asked for is told. */
	pid_t child = must(fork(), "fork");
	if (child == 0) {
		open("fifo", O_RDONLY);
		_exit(0);
	}
	until(child, child, 'S');
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	used("read", "fifo", 1);
	ended(child, 0, "SIGKILL");
	fflush(stdout);

	/* Ended by another thread within a call. */
	child = must(fork(), "fork");
	if (child == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, blocked, "fifo");
		while (!opener) usleep(1000);
		until(getpid(), opener, 'S');
		_exit(7);
	}
	waitpid(child, NULL, 0);
	used("read", "fifo", 1);
	ended(child, 7, NULL);
	fflush(stdout);

	/* Interrupted by signals between its halves: with SA_RESTART it begins anew, and then it returns. */
	child = must(fork(), "fork");
	if (child == 0) {
		struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };
		struct itimerval often = { {0, 30000}, {0, 30000} };
		sigaction(SIGALRM, &action, NULL);
		setitimer(ITIMER_REAL, &often, NULL);
		_exit(open("fifo", O_RDONLY) < 0);
	}
	usleep(200000);
	close(must(open("fifo", O_WRONLY), "fifo"));
	used("write", "fifo", 1);
	int status;
	waitpid(child, &status, 0);
	must(status == 0 ? 0 : -1, "the interrupted one");
	used("read", "fifo", 1);
	ended(child, 0, NULL);
	return 0;
}
