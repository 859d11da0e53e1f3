/* A thread that is not the first executes a program: it goes on under the pid of the first, and the others are gone. */
#include "tell.h"

static const char *how;
static char **words;

static void *waiting(void *unused)
{
	for (;;) pause();
}

static void *executing(void *unused)
{
	if (!strcmp(how, "leader gone")) until(getpid(), getpid(), 'Z');
	if (!strcmp(how, "leader in a call")) until(getpid(), getpid(), 'S');
	close(open("before", O_WRONLY | O_CREAT | O_EXCL, 0644));
	char *next[] = {words[0], "done", NULL};
	execv(words[0], next);
	abort();
}

int main(int argc, char **argv)
{
	pthread_t thread;
	how = argc > 1 ? argv[1] : "plain";
	words = argv;
	if (!strcmp(how, "done")) {
		/* The first call of the new image may be lost; those after it are not. */
		close(must(open("after", O_WRONLY | O_CREAT | O_EXCL, 0644), "after"));
		printf("{\"how\":\"create\",\"path\":\"%s/after\",\"count\":1,\"pid\":%d,\"thread\":%d}\n", here, getpid(), getpid());
		fflush(stdout);
		return 0;
	}
	if (!strcmp(how, "leader in a call")) mkfifo("fifo", 0644);
	pthread_create(&thread, NULL, waiting, NULL);
	pthread_create(&thread, NULL, executing, NULL);
	if (!strcmp(how, "leader gone")) pthread_exit(NULL);
	if (!strcmp(how, "leader in a call")) open("fifo", O_RDONLY); /* nobody writes: it never comes back */
	pause();
}
