/* A root of its own: absolute paths start there. */
#include "tell.h"

int main(void)
{
	must(mkdir("root", 0755), "mkdir");
	used("create", "root", 1);
	must(mkdir("root/folder", 0755), "mkdir");
	used("create", "root/folder", 1);
	if (geteuid() != 0) must(unshare(CLONE_NEWUSER), "unshare");
	must(chroot("root"), "chroot");
	used("stat", "root", 1);
	must(chdir("/"), "chdir");
	used("stat", "root", 1);
	close(must(open("/folder/a", O_WRONLY | O_CREAT, 0644), "a"));
	used("write", "root/folder/a", 1);
	must(mkdir("/../../folder/b", 0755), "b");
	used("create", "root/folder/b", 1);
	must(rename("folder/a", "/folder/b/c"), "rename");
	changed("rename", "root/folder/a", "root/folder/b/c");
	return 0;
}
