/* Processes of a PID namespace have pids of their own: the log tells both. */
#include "tell.h"

static int inside(const char *name)
{
	/* Its maker waits for it, and says what it did. */
	return open(name, O_WRONLY | O_CREAT | O_EXCL, 0644) < 0;
}

int main(void)
{
	int numbers[2];
	must(pipe(numbers), "pipe");
	if (geteuid() != 0) must(unshare(CLONE_NEWUSER), "unshare user");
	must(unshare(CLONE_NEWPID), "unshare pid");
	pid_t first = must(fork(), "fork");
	if (first == 0) {
		/* It is 1 there. */
		pid_t second = fork();
		if (second == 0) _exit(inside("second"));
		pid_t third = vfork();
		if (third == 0) _exit(inside("third"));
		while (wait(NULL) > 0) continue;
		pid_t pids[2] = {second, third};
		_exit(write(numbers[1], pids, sizeof pids) < 0 || inside("first"));
	}
	pid_t pids[2];
	must(read(numbers[0], pids, sizeof pids), "read");
	waitpid(first, NULL, 0);
	printf("{\"how\":\"create\",\"path\":\"%s/first\",\"count\":1,\"pid\":%d,\"thread\":%d}\n", here, first, first);
	printf("{\"inside\":%d,\"path\":\"%s/second\"}\n", pids[0], here);
	printf("{\"inside\":%d,\"path\":\"%s/third\"}\n", pids[1], here);
	return 0;
}
