/* Where relative paths start, and what `..` means. */
#include "tell.h"
#include <sys/mount.h>

static void touch(const char *asked, const char *path)
{
	close(must(open(asked, O_WRONLY | O_CREAT, 0644), asked));
	used("write", path, 1);
}

static void directory(const char *asked, const char *path)
{
	must(mkdir(asked, 0755), asked);
	used("create", path, 1);
}

static void go(const char *asked, const char *path)
{
	must(chdir(asked), asked);
	used("stat", path, 1);
}

static void *in_thread(void *unused)
{
	go("one", "one"); /* a thread shares its process's folder */
	return NULL;
}

static void *unshared(void *unused)
{
	must(unshare(CLONE_FS), "unshare");
	go("two", "one/two");
	directory("by-thread", "one/two/by-thread");
	return NULL;
}

int main(void)
{
	pthread_t thread;

	directory("one", "one");
	pthread_create(&thread, NULL, in_thread, NULL);
	pthread_join(thread, NULL);
	directory("two", "one/two"); /* mkdir names no folder: it must be followed */
	pthread_create(&thread, NULL, unshared, NULL);
	pthread_join(thread, NULL);
	touch("a", "one/a");

	fflush(stdout);
	pid_t child = must(fork(), "fork");
	if (child == 0) {
		go("two", "one/two"); /* a child has its own */
		must(rename("../a", "b"), "rename");
		/* No call has shown yet that two is no link. */
		changed("rename", "one/two/../a", "one/two/b");
		exit(0);
	}
	waitpid(child, NULL, 0);
	must(unlink("two/b"), "unlink");
	changed("remove", NULL, "one/two/b");

	/* Dots that are safe to take away. */
	touch("./two/./b", "one/two/b");
	touch("two//c", "one/two/c");
	touch("../d", "d");
	char far_up[PATH_MAX * 2] = "";
	for (int k = 0; k < 60; k++) strcat(far_up, "../");
	strcat(far_up, here + 1);
	strcat(far_up, "/n");
	touch(far_up, "n"); /* nothing is above the root */

	/* `link/..` is not where the link is: only what -y has shown to be no link is taken away. */
	must(symlink("two", "link"), "symlink");
	changed("symlink", NULL, "one/link");
	touch("link/../e", "one/e"); /* -y shows one/e, which is the name without the dots */
	directory("elsewhere", "one/elsewhere");
	directory("elsewhere/deep", "one/elsewhere/deep");
	must(symlink("elsewhere/deep", "far"), "symlink");
	changed("symlink", NULL, "one/far");
	touch("far/../f", "one/far/../f"); /* this is one/elsewhere/f */
	directory("far/../g", "one/far/../g");
	list("far", "one/far"); /* as asked, though the descriptor is shown as one/elsewhere/deep */
	list("elsewhere/deep", "one/elsewhere/deep");
	directory("two/../h", "one/h"); /* files of one/two were shown under that name */

	/* By the descriptor of a folder. */
	int fd = must(open("two", O_RDONLY | O_DIRECTORY), "two");
	must(symlinkat("b", fd, "s"), "symlinkat");
	changed("symlink", NULL, "one/two/s");
	must(mkdirat(fd, "../i", 0755), "mkdirat");
	used("create", "one/i", 1);
	must(fchdir(fd), "fchdir");
	used("stat", "one/two", 1);
	directory("j", "one/two/j");

	/* A folder that was reached by a link, and then one that is no more. */
	go("../far", "one/far");
	directory("k", "one/far/k"); /* as asked: no call has shown the folder since */
	close(must(open("l", O_WRONLY | O_CREAT, 0644), "l"));
	used("write", "one/elsewhere/deep/l", 1); /* here one has */
	directory("m", "one/elsewhere/deep/m");
	directory("gone", "one/elsewhere/deep/gone");
	go("gone", "one/elsewhere/deep/gone");
	must(rmdir("../gone"), "rmdir");
	changed("remove", NULL, "one/elsewhere/deep/gone/../gone");
	open("o", O_RDONLY);
	used("missing", "one/elsewhere/deep/gone/o", 1);
	open("n", O_RDONLY);
	used("missing", "one/elsewhere/deep/gone/n", 1);
	go(here, "");
	directory("p (deleted)", "p (deleted)"); /* a name, and no news */
	go("p (deleted)", "p (deleted)");
	touch("q", "p (deleted)/q");
	return 0;
}
