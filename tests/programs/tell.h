/* What the C programs here share: they say, a JSON line each, what the audit must have found of them. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* A name as it is recorded: UTF-8, \xNN for any other byte and for control characters, \\ for a backslash; and as JSON. */
static inline void print_name(const char *bytes)
{
	const unsigned char *at = (const unsigned char *)bytes;
	for (; *at; at++) {
		if (*at == '\\')
			fputs("\\\\\\\\", stdout);
		else if (*at == '"')
			fputs("\\\"", stdout);
		else if (*at < 0x20 || *at >= 0x7f)
			printf("\\\\x%02x", *at);
		else
			putchar(*at);
	}
}

/* Where the program began: what it names is below. */
static char here[PATH_MAX];

__attribute__((constructor)) static void begin(void)
{
	if (!getcwd(here, sizeof here)) abort();
}

static inline void print_path(const char *path)
{
	if (path[0] != '/') {
		print_name(here);
		if (path[0]) putchar('/');
	}
	print_name(path);
}

/* `path` is below the folder where the program began, unless it is absolute; without dots. */
static inline void used(const char *how, const char *path, int count)
{
	printf("{\"how\":\"%s\",\"path\":\"", how);
	print_path(path);
	printf("\",\"count\":%d}\n", count);
}

static inline void changed(const char *change, const char *from, const char *to)
{
	printf("{\"change\":\"%s\",\"from\":", change);
	if (from) {
		putchar('"');
		print_path(from);
		putchar('"');
	} else
		fputs("null", stdout);
	fputs(",\"to\":\"", stdout);
	print_path(to);
	fputs("\"}\n", stdout);
}

/* The number a call gives, or the end of the program where it must not fail. */
static inline int must(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
	return result;
}

static inline void make(const char *path)
{
	close(must(open(path, O_WRONLY | O_CREAT | O_EXCL, 0644), path));
	used("create", path, 1);
}

/* Reads the names in a folder: one call that brings them, and one that brings no more. */
static inline void list(const char *asked, const char *path)
{
	DIR *folder = opendir(asked);
	if (!folder) must(-1, asked);
	while (readdir(folder))
		;
	closedir(folder);
	used("list", path, 1);
}

/* Waits until a thread is in that state by /proc: S within a call that does not return, Z when it is over. */
static inline void until(pid_t process, pid_t thread, char state)
{
	char path[100], text[200];
	for (int seen = 0; seen < 3; usleep(2000)) {
		snprintf(path, sizeof path, "/proc/%d/task/%d/stat", process, thread);
		FILE *file = fopen(path, "r");
		if (!file) abort();
		if (fgets(text, sizeof text, file) && strrchr(text, ')')[2] == state)
			seen++;
		else
			seen = 0;
		fclose(file);
	}
}
