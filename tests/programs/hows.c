/* Every way to use a path, and every way that a call may fail. */
#include "tell.h"
#include <linux/openat2.h>

static void open_as(const char *path, int flags, const char *how)
{
	int fd = open(path, flags, 0644);
	if (fd >= 0) close(fd);
	if (how) used(how, path, 1);
}

int main(void)
{
	int fd;
	char text[100];

	open_as("created", O_RDWR | O_CREAT | O_EXCL, "create");
	open_as("created", O_RDONLY, "read");
	open_as("created", O_WRONLY, "write");
	open_as("created", O_RDWR, "readwrite");
	open_as("created", O_WRONLY | O_TRUNC, "truncate");
	open_as("created", O_WRONLY | O_APPEND, "append");
	open_as("created", O_PATH, "stat");
	open_as("both", O_RDWR | O_CREAT, "readwrite");
	open_as("truncated", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, "truncate");
	open_as("appended", O_RDWR | O_CREAT | O_APPEND, "append");
	open_as("made", O_WRONLY | O_CREAT, "write");
	open_as(".", O_RDONLY | O_DIRECTORY, NULL); /* opened, and its names not read */
	list(".", "");
	open_as("absent", O_RDONLY, "missing");
	open_as("absent/below", O_WRONLY | O_CREAT, "missing");
	open_as("made/below", O_RDONLY, "missing"); /* ENOTDIR */
	open_as("made", O_WRONLY | O_CREAT | O_EXCL, NULL); /* EEXIST: it was there */
	used("stat", "made", 1);
	open_as(".", O_WRONLY, NULL); /* EISDIR */
	used("stat", "", 1);

	must(creat("creat", 0644), "creat");
	used("truncate", "creat", 1);
	must(truncate("creat", 5), "truncate");
	used("truncate", "creat", 1);
	struct open_how how = { .flags = O_RDONLY };
	fd = syscall(SYS_openat2, AT_FDCWD, "made", &how, sizeof how);
	if (fd >= 0 || errno != ENOSYS) used("read", "made", 1);

	must(mkdir("folder", 0755), "mkdir");
	used("create", "folder", 1);
	mkdir("folder", 0755);
	used("stat", "folder", 1);
	mkdirat(AT_FDCWD, "absent/folder", 0755);
	used("missing", "absent/folder", 1);
	must(mknod("pipe", S_IFIFO | 0644, 0), "mknod");
	used("create", "pipe", 1);
	fd = must(open("folder", O_RDONLY | O_DIRECTORY), "open folder");
	close(must(openat(fd, "inside", O_WRONLY | O_CREAT, 0644), "openat"));
	used("write", "folder/inside", 1);
	/* As Python's os.fwalk does it, and programs in Go. */
	DIR *folder = fdopendir(must(open("folder", O_RDONLY), "open folder to read"));
	used("read", "folder", 1);
	while (readdir(folder))
		;
	closedir(folder);
	used("list", "folder", 1);

	must(access("made", R_OK), "access");
	used("stat", "made", 1);
	access("absent", F_OK);
	used("missing", "absent", 1);
	faccessat(fd, "inside", F_OK, 0);
	used("stat", "folder/inside", 1);

	must(rename("made", "renamed"), "rename");
	changed("rename", "made", "renamed");
	rename("absent", "nothing"); /* fails: no change */
	must(renameat(fd, "inside", AT_FDCWD, "outside"), "renameat");
	changed("rename", "folder/inside", "outside");
	if (renameat2(AT_FDCWD, "renamed", AT_FDCWD, "outside", RENAME_EXCHANGE) == 0) {
		changed("rename", "renamed", "outside");
		changed("rename", "outside", "renamed");
	}
	must(link("outside", "linked"), "link");
	changed("link", "outside", "linked");
	link("outside", "linked"); /* EEXIST */
	must(symlink("outside", "relative-link"), "symlink");
	changed("symlink", NULL, "relative-link");
	must(symlinkat("/etc/hostname", fd, "absolute-link"), "symlinkat");
	changed("symlink", "/etc/hostname", "folder/absolute-link");
	/* The name that was asked for, not what it leads to. */
	close(must(open("relative-link", O_RDONLY), "link"));
	used("read", "relative-link", 1);
	must(unlinkat(fd, "absolute-link", 0), "unlinkat");
	changed("remove", NULL, "folder/absolute-link");
	must(unlink("linked"), "unlink");
	changed("remove", NULL, "linked");
	unlink("linked");
	used("missing", "linked", 1);
	must(rmdir("folder"), "rmdir");
	changed("remove", NULL, "folder");

	/* Too long, a bad address, nobody's descriptor: these say nothing of any file. */
	memset(text, 'n', sizeof text);
	char component[400];
	memset(component, 'n', sizeof component);
	component[399] = 0;
	open(component, O_RDONLY);
	syscall(SYS_openat, AT_FDCWD, (char *)16, O_RDONLY);
	syscall(SYS_openat, AT_FDCWD, NULL, O_RDONLY);
	openat(12345, "nowhere", O_RDONLY);
	open("", O_RDONLY);
	used("missing", "", 1);
	return 0;
}
