/* Names of files are bytes. */
#include "tell.h"

static void one(const char *name)
{
	make(name);
	close(must(open(name, O_RDONLY), name));
	used("read", name, 1);
	/* By the descriptor of its folder, and by the folder's own name where that is what is odd. */
	char folder[PATH_MAX];
	snprintf(folder, sizeof folder, "in %s", name);
	must(mkdir(folder, 0755), folder);
	used("create", folder, 1);
	int fd = must(open(folder, O_RDONLY | O_DIRECTORY), folder);
	list(folder, folder);
	close(must(openat(fd, name, O_WRONLY | O_CREAT, 0644), name));
	char below[PATH_MAX * 2];
	snprintf(below, sizeof below, "%s/%s", folder, name);
	used("write", below, 1);
	must(fchdir(fd), "fchdir");
	used("stat", folder, 1);
	close(fd);
	must(rename(name, "moved"), "rename");
	char moved[PATH_MAX * 2];
	snprintf(moved, sizeof moved, "%s/moved", folder);
	changed("rename", below, moved);
	must(chdir(here), "chdir");
	used("stat", "", 1);
}

int main(void)
{
	const char *names[] = {
		"a \"quote\"", "back\\slash", "ends in \\", "new\nline", "tab\tand\rand\vand\f", "a > b", "<a>", "f) = 3",
		"f\") = 3", "<unfinished ...>", "f <unfinished ...>", "<... openat resumed>) = 3", "+++ exited with 0 +++",
		"\xff\xfe not UTF-8", "octal then digit \001" "7", "octal then digit \0377", "\x7f", "(deleted)", "f (deleted)",
		"...", "f\"...", "O_RDONLY) = -1 ENOENT (No such file or directory)", "a, b", "*?[x]", "$HOME", "%s%n", "\\x41",

	};
	size_t k;
	for (k = 0; k < sizeof names / sizeof *names; k++) {
		if (strchr(names[k], '/')) continue;
		one(names[k]);
	}

	/* A path longer than strace's -s, and one nearly as long as a path may be. */
	char deep[PATH_MAX] = "";
	char part[204];
	memset(part, 'd', sizeof part);
	part[200] = 0;
	while (strlen(here) + strlen(deep) + 202 < 4000) {
		if (deep[0]) strcat(deep, "/");
		strcat(deep, part);
		must(mkdir(deep, 0755), "deep");
		used("create", deep, 1);
	}
	list(deep, deep);
	return 0;
}
