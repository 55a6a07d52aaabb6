#include "worker_fixture.h"

#include "net/listener.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

static struct address listen_on(struct worker *worker)
{
    struct address address;
    const char *reason = NULL;
    assert_int_equal(address_parse(SPAN("127.0.0.1:0"), &address, &reason), 0);
    int fd = -1;
    assert_int_equal(listener_open(&address, false, &fd, 1), 0);
    assert_int_equal(engine_add_listener(&worker->engine, fd, SURFACE_PUBLIC), 0);
    return address;
}

static int ask(const struct address *address, const char *request)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &address->socket.any, address->length), 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    return fd;
}

/* All up to the end of the connection; a string. */
static const char *answer_from(int fd)
{
    static char memory[65536];
    size_t length = 0;
    ssize_t got = 0;
    while ((got = recv(fd, memory + length, sizeof memory - 1 - length, 0)) > 0) {
        length += (size_t)got;
    }
    assert_int_equal(got, 0);
    memory[length] = '\0';
    return memory;
}

/* Waits until so many workers have said that they ended. */
static void await_done(uint64_t workers)
{
    uint64_t done = 0;
    while (done < workers) {
        struct pollfd poll_fd = {.fd = fixture.done_fd, .events = POLLIN};
        assert_true(poll(&poll_fd, 1, 60000) > 0);
        uint64_t more = 0;
        assert_int_equal(read(fixture.done_fd, &more, sizeof more), sizeof more);
        done += more;
    }
    assert_int_equal(done, workers);
}

static void start_all(struct address addresses[FIXTURE_WORKERS])
{
    for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
        addresses[i] = listen_on(&fixture.workers[i]);
        assert_int_equal(worker_start(&fixture.workers[i]), 0);
    }
}

static void drain_all(void)
{
    for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
        engine_request_drain(&fixture.workers[i].engine);
    }
    await_done(FIXTURE_WORKERS);
    for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
        worker_join(&fixture.workers[i]);
        assert_int_equal(fixture.workers[i].cut_off, 0);
    }
}

static void workers_serve_and_say_when_they_have_ended(void **state)
{
    (void)state;
    struct address addresses[FIXTURE_WORKERS];
    fixture_open("const(1ms)", false);
    start_all(addresses);
    for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
        int fd = ask(&addresses[i], "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        const char *answer = answer_from(fd);
        assert_int_equal(strncmp(answer, "HTTP/1.1 200 OK\r\n", 17), 0);
        assert_non_null(strstr(answer, "<h1>1</h1>"));
        close(fd);
    }
    drain_all();
    assert_page_line("httpserver_requests_total{code=\"200\",method=\"GET\",route=\"/\"} 2");
    /* Nothing was asked to be logged. */
    struct log_entry entry;
    assert_false(log_ring_peek(&fixture.workers[0].ring, &entry));
    fixture_close();
}

/* What workers push, in the order in which they end. */
static void workers_log_what_they_answered(void **state)
{
    (void)state;
    struct address addresses[FIXTURE_WORKERS];
    fixture_open("const(1ms)", true);
    start_all(addresses);
    int fd = ask(&addresses[0], "GET /?a=b HTTP/1.1\r\nHost: h\r\n\r\n"
                                "GET /nothing HTTP/1.0\r\n\r\n");
    const char *answer = answer_from(fd);
    assert_non_null(strstr(answer, "HTTP/1.1 404 "));
    close(fd);
    drain_all();
    static const struct {
        const char *target;
        unsigned status;
        int64_t delay_ns;
        unsigned version_minor;
    } wanted[] = {{"/?a=b", 200, 1000000, 1}, {"/nothing", 404, ACCESS_DELAY_NONE, 0}};
    for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++) {
        struct log_entry entry;
        assert_true(log_ring_peek(&fixture.workers[0].ring, &entry));
        const struct access_record *record = entry.record;
        assert_int_equal(record->status, wanted[i].status);
        assert_int_equal(record->delay_ns, wanted[i].delay_ns);
        assert_int_equal(record->version_minor, wanted[i].version_minor);
        assert_true(record->total_ns >= record->delay_ns);
        assert_int_equal(record->client, ACCESS_CLIENT_IPV4);
        assert_memory_equal(record->address, ((uint8_t[]){127, 0, 0, 1}), 4);
        assert_true(record->completed_realtime_ns <= clock_realtime_ns() + NS_PER_S);
        assert_int_equal(record->target_length, strlen(wanted[i].target));
        assert_memory_equal(entry.target.data, wanted[i].target, record->target_length);
        assert_int_equal(record->method_length, 3);
        assert_memory_equal(entry.method.data, "GET", 3);
        log_ring_pop(&fixture.workers[0].ring, &entry);
    }
    struct log_entry entry;
    assert_false(log_ring_peek(&fixture.workers[0].ring, &entry));
    assert_false(log_ring_peek(&fixture.workers[1].ring, &entry));
    fixture_close();
}

static void a_worker_that_is_stopped_says_what_it_cut_off(void **state)
{
    (void)state;
    struct address addresses[FIXTURE_WORKERS];
    fixture_open("const(60s)", true);
    start_all(addresses);
    int fd = ask(&addresses[0], "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
                                "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 1); /* both were read at once */
    for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
        engine_request_stop(&fixture.workers[i].engine);
    }
    await_done(FIXTURE_WORKERS);
    for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
        worker_join(&fixture.workers[i]);
        assert_int_equal(fixture.workers[i].cut_off, i == 0 ? 1 : 0);
    }
    assert_page_line("httpserver_requests_total{code=\"499\",method=\"GET\",route=\"/\"} 1");
    close(fd);
    fixture_close();
}

/* The signals that a thread of ours blocks. */
static unsigned long long blocked_signals(const char *thread)
{
    char path[300], line[256];
    snprintf(path, sizeof path, "/proc/self/task/%s/status", thread);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    unsigned long long blocked = 0;
    bool found = false;
    while (fgets(line, sizeof line, file) != NULL) {
        found |= sscanf(line, "SigBlk: %llx", &blocked) == 1;
    }
    fclose(file);
    assert_true(found);
    return blocked;
}

/* Or one of them would take the signal that the main thread waits for. */
static void signals_are_blocked_in_workers_and_nowhere_else(void **state)
{
    (void)state;
    struct address addresses[FIXTURE_WORKERS];
    fixture_open("none", false);
    sigset_t before, after;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    start_all(addresses);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    for (int signal_number = 1; signal_number <= SIGRTMAX; signal_number++) {
        assert_int_equal(sigismember(&before, signal_number), sigismember(&after, signal_number));
    }
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGCHLD};
    unsigned blocking = 0;
    DIR *folder = opendir("/proc/self/task");
    assert_non_null(folder);
    for (struct dirent *thread; (thread = readdir(folder)) != NULL;) {
        if (thread->d_name[0] == '.') {
            continue;
        }
        unsigned long long blocked = blocked_signals(thread->d_name);
        bool all = true;
        for (size_t i = 0; i < ARRAY_LENGTH(signals); i++) {
            all &= (blocked >> (signals[i] - 1) & 1) != 0;
        }
        blocking += all;
    }
    closedir(folder);
    /* Sanitizers have threads of their own, which may block signals as well. */
    assert_true(blocking >= FIXTURE_WORKERS);
    drain_all();
    fixture_close();
}

static void workers_that_never_started_are_destroyed(void **state)
{
    (void)state;
    fixture_open("none", true);
    (void)listen_on(&fixture.workers[0]);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_serve_and_say_when_they_have_ended),
        cmocka_unit_test(workers_log_what_they_answered),
        cmocka_unit_test(a_worker_that_is_stopped_says_what_it_cut_off),
        cmocka_unit_test(signals_are_blocked_in_workers_and_nowhere_else),
        cmocka_unit_test(workers_that_never_started_are_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
