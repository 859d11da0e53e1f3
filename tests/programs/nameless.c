/* Files without a name, and names that lead through a descriptor. */
#include "tell.h"
#include <sys/mman.h>

static void by_descriptor(int fd, int flags)
{
	char path[100];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int again = must(open(path, flags), path);
	close(again);
	snprintf(path, sizeof path, "/dev/fd/%d", fd);
	close(must(open(path, flags), path));
}

int main(int argc, char **argv)
{
	char path[100];
	if (argc > 1) {
		/* What runs in memory: it has no name either. */
		return 0;
	}
	make("named");
	int fd = must(open("named", O_RDONLY), "named");
	used("read", "named", 1);
	by_descriptor(fd, O_RDONLY);
	used("read", "named", 2);
	by_descriptor(fd, O_WRONLY | O_TRUNC);
	used("truncate", "named", 2);

	/* One without a name gets one. */
	int unnamed = open(".", O_TMPFILE | O_RDWR, 0644);
	if (unnamed >= 0) {
		used("stat", "", 1);
		snprintf(path, sizeof path, "/proc/self/fd/%d", unnamed);
		must(linkat(AT_FDCWD, path, AT_FDCWD, "given", AT_SYMLINK_FOLLOW), "linkat");
		used("create", "given", 1);
		changed("link", NULL, "given");
	}
	/* By the descriptor alone. */
	if (linkat(fd, "", AT_FDCWD, "second", AT_EMPTY_PATH) == 0) changed("link", "named", "second");

	/* A deleted file has no name any more, though -y still shows one. */
	must(unlink("named"), "unlink");
	changed("remove", NULL, "named");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	close(must(open(path, O_RDONLY), path));

	int memory = must(memfd_create("<in memory>", 0), "memfd");
	int self = must(open("/proc/self/exe", O_RDONLY), "exe");
	char bytes[65536];
	ssize_t length;
	while ((length = read(self, bytes, sizeof bytes)) > 0) must(write(memory, bytes, length), "write");
	by_descriptor(memory, O_RDONLY);
	fflush(stdout);
	pid_t child = must(fork(), "fork");
	if (child == 0) {
		char *words[] = {"in memory", "again", NULL};
		fexecve(memory, words, environ);
		_exit(1);
	}
	int status;
	waitpid(child, &status, 0);
	must(status == 0 ? 0 : -1, "the child");
	printf("{\"exec\":\"/memfd:<in memory> (deleted)\",\"pid\":%d}\n", child);
	return 0;
}
