/* Whom a program talks to. */
#include "tell.h"
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stddef.h>

static void reached(const char *how, const char *address, int port)
{
	printf("{\"network\":\"%s\",\"address\":\"", how);
	if (address[0] == '@' || strchr(address, ':') || strchr(address, '.'))
		print_name(address);
	else
		print_path(address);
	if (port < 0)
		fputs("\",\"port\":null}\n", stdout);
	else
		printf("\",\"port\":%d}\n", port);
}

static void unix_socket(const char *path, int abstract, int connects)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = must(socket(AF_UNIX, SOCK_DGRAM, 0), "socket");
	strcpy(to.sun_path + abstract, path);
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + abstract + strlen(path) + !abstract;
	if (connects)
		connect(fd, (struct sockaddr *)&to, length);
	else
		must(bind(fd, (struct sockaddr *)&to, length), "bind");
}

int main(void)
{
	char path[200];
	snprintf(path, sizeof path, "%s/a.socket \"}, 14) = 0", here);
	unix_socket(path, 0, 0);
	printf("{\"network\":\"bind\",\"address\":\"");
	print_name(path);
	printf("\",\"port\":null}\n");
	unix_socket(path, 0, 1);
	unix_socket(path, 0, 1); /* twice is one fact */
	printf("{\"network\":\"connect\",\"address\":\"");
	print_name(path);
	printf("\",\"port\":null}\n");
	snprintf(path, sizeof path, "cellar-test-%d", getpid());
	unix_socket(path, 1, 0);
	printf("{\"network\":\"bind\",\"address\":\"@%s\",\"port\":null}\n", path);
	unix_socket("", 0, 1); /* no address: nobody was reached */

	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(9) };
	inet_pton(AF_INET, "127.0.0.1", &four.sin_addr);
	connect(must(socket(AF_INET, SOCK_STREAM, 0), "socket"), (struct sockaddr *)&four, sizeof four);
	reached("connect", "127.0.0.1", 9); /* an attempt counts */
	int udp = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), "socket");
	four.sin_port = htons(53);
	must(connect(udp, (struct sockaddr *)&four, sizeof four), "connect");
	reached("connect", "127.0.0.1", 53);
	struct sockaddr nothing = { .sa_family = AF_UNSPEC };
	connect(udp, &nothing, sizeof nothing);
	int six = socket(AF_INET6, SOCK_STREAM, 0);
	if (six >= 0) {
		struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
		connect(six, (struct sockaddr *)&to, sizeof to);
		reached("connect", "::1", 9);
	}
	struct sockaddr_nl local = { .nl_family = AF_NETLINK };
	bind(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), (struct sockaddr *)&local, sizeof local);
	return 0;
}
