DROP TABLE billed_orders;
DROP TABLE orders;
