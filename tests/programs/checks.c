/* Looks at files that are not opened: told only where the stat family is traced. */
#include "tell.h"

int main(void)
{
	struct stat state;
	struct statx statx_state;
	char text[100];
	int fd;

	make("file");
	must(symlink(") = 3", "link"), "symlink");
	changed("symlink", NULL, "link");
	stat("file", &state);
	lstat("file", &state);
	syscall(SYS_statx, AT_FDCWD, "file", 0, STATX_ALL, &statx_state);
	fstatat(AT_FDCWD, "file", &state, 0);
	used("stat", "file", 4);
	stat("absent", &state);
	used("missing", "absent", 1);
	stat("file/below", &state);
	used("missing", "file/below", 1);
	readlink("link", text, sizeof text);
	used("stat", "link", 1);
	readlink("file", text, sizeof text); /* EINVAL: there, and no link */
	used("stat", "file", 1);
	/* By the descriptor: the file was opened before, and nothing is looked up. */
	fd = must(open("file", O_RDONLY), "file");
	used("read", "file", 1);
	fstat(fd, &state);
	fstatat(fd, "", &state, AT_EMPTY_PATH);
	return 0;
}
