#pragma once

/// Keeps what can be written to out of swap space: what is mapped now and whatever is mapped later, as far as it is
/// used. Code and constants stay the system's to take back. 0 on success, else -1 and errno.
int lock_writable_pages(void);

/// Takes the pages of code and constants out of this process. They stay in the page cache and come back when they are
/// needed; what only the start needed does not.
void let_go_of_program_pages(void);
