/*
 * The least a program can do that answers after a time: a timerfd, set to the deadline, epoll_wait,
 * and a send over TCP. How late the answer is in the kernel then is the kernel's own doing;
 * script/bench overshoot measures the server against it.
 *
 *   timerfd_loop DELAY_NS COUNT CORE          waits one after the other; prints each one's lateness
 *                                             in ns
 *   timerfd_loop DELAY_NS COUNT CORE paced    a deadline every DELAY_NS, however late the last one
 *                                             was: as with requests that do not wait for each other
 *   timerfd_loop DELAY_NS COUNT CORE POLL_NS  wakes up so much early and looks at the clock until
 *                                             the deadline: late by the send alone
 *
 * The client is a child process on CORE, which only reads.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
#define MAX_COUNT 100000

static int64_t lateness_ns[MAX_COUNT];

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

/* Connects to itself over the loopback address; the other end is the child's, until it is closed.
 */
static int connect_client(int core)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0 ||
        connect(client, (struct sockaddr *)&address, length) != 0) {
        die("timerfd_loop: connect");
    }
    int server = accept(listener, NULL, NULL);
    if (server < 0 || setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
        die("timerfd_loop: accept");
    }
    close(listener);
    if (fork() == 0) {
        cpu_set_t cores;
        CPU_ZERO(&cores);
        CPU_SET((size_t)core, &cores);
        (void)sched_setaffinity(0, sizeof cores, &cores);
        close(server);
        char bytes[4096];
        while (recv(client, bytes, sizeof bytes, 0) > 0) {
        }
        _exit(EXIT_SUCCESS);
    }
    close(client);
    return server;
}

static int64_t wait_until(int poller, int timer, int client, int64_t deadline_ns, int64_t poll_ns)
{
    static const char answer[200] = "HTTP/1.1 200 OK";
    int64_t wake_ns = deadline_ns - poll_ns;
    struct itimerspec setting = {
        .it_value = {.tv_sec = wake_ns / NS_PER_S, .tv_nsec = wake_ns % NS_PER_S}};
    struct epoll_event event;
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, NULL) != 0 ||
        epoll_wait(poller, &event, 1, -1) != 1) {
        die("timerfd_loop: wait");
    }
    while (poll_ns > 0 && now_ns() < deadline_ns) {
    }
    if (send(client, answer, sizeof answer, MSG_NOSIGNAL) != (ssize_t)sizeof answer) {
        die("timerfd_loop: send");
    }
    return now_ns() - deadline_ns;
}

int main(int argc, char **argv)
{
    bool paced = argc == 5 && strcmp(argv[4], "paced") == 0;
    long long poll_ns = argc == 5 && !paced ? strtoll(argv[4], NULL, 10) : 0;
    bool understood = argc == 4 || paced || poll_ns > 0;
    long long delay_ns = understood ? strtoll(argv[1], NULL, 10) : 0;
    long count = understood ? strtol(argv[2], NULL, 10) : 0;
    if (delay_ns <= 0 || count <= 0 || count > MAX_COUNT) {
        fprintf(stderr,
                "usage: timerfd_loop DELAY_NS COUNT CORE [paced|POLL_NS] (COUNT at most %d)\n",
                MAX_COUNT);
        return EXIT_FAILURE;
    }
    int client = connect_client((int)strtol(argv[3], NULL, 10));
    int poller = epoll_create1(0);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN};
    if (poller < 0 || timer < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event) != 0) {
        die("timerfd_loop: epoll");
    }
    int64_t deadline_ns = now_ns();
    for (long i = 0; i < count; i++) {
        deadline_ns = (paced ? deadline_ns : now_ns()) + delay_ns;
        lateness_ns[i] = wait_until(poller, timer, client, deadline_ns, poll_ns);
    }
    for (long i = 0; i < count; i++) {
        printf("%lld\n", (long long)lateness_ns[i]);
    }
    return EXIT_SUCCESS;
}
