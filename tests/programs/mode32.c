/* A 32-bit program on a 64-bit kernel, without any library: its calls have other numbers, and the same names. */
static int call(int number, const void *a, int b, int c)
{
	int result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
	return result;
}

void _start(void)
{
	int file = call(5, "small", 0x41 | 0x80, 0644); /* open: O_WRONLY | O_CREAT | O_EXCL */
	call(6, (void *)(long)file, 0, 0);
	call(39, "folder", 0755, 0); /* mkdir */
	call(12, "folder", 0, 0); /* chdir */
	int pid = call(2, 0, 0, 0); /* fork */
	if (pid == 0) {
		call(10, "../small", 0, 0); /* unlink */
		call(1, 0, 0, 0);
	}
	call(7, (void *)(long)pid, 0, 0); /* waitpid */
	call(1, (void *)(long)(file < 0), 0, 0); /* exit */
}
