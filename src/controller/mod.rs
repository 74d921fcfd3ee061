//! The long-lived loop: select one event, feed the machine, carry out its actions. The only reader of the clock.
